Story: A draft is approved with changes
Why: An agent reads an apology before it goes out, puts it better, and it goes out once.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Pia has 80 followers

Pia posts on x "five weeks and still no refund, I am disappointed" as late
expect late is escalated by rule refund-overdue
expect late in queue care-billing
expect the draft of late is pending
expect no reply to late

+20m ana approves the draft of late as "Sorry, Pia. I found your refund: it goes out today. ^ana"
expect the draft of late is sent
expect a reply to late with "it goes out today"
expect the timeline of Pia holds "it goes out today"
expect the conversation of late is resolved
expect the task of late is closed
expect one reply in all
