Story: A promise at night becomes the deadline, over the change of the clocks
Why: We tell when a person answers, in the customer's words and in our own hours; the night in which an hour is missing must not move it.
# Saturday evening; on Sunday 29 March 2026 two o'clock does not exist.
Starts: 2026-03-28 22:30 Europe/Madrid
People:
  Gwen has 140 followers

Gwen posts on x "I have a question about my plan, is anybody there tonight?" as night
expect night is escalated by rule after-hours
expect a reply to night with "by 9:00 on Monday"
# An hour of opening hours on X: Monday at nine, by the clock of Monday.
expect night due at 2026-03-30T09:00
expect the task of night is waiting
expect one reply in all
