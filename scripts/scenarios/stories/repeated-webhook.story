Story: A webhook comes five times
Why: Platforms deliver at least once; customers hear from us exactly once.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

Gwen posts on x "what are your opening hours?" as question
the webhook of question comes again 5 times
expect question is answered by rule opening-hours
expect one reply in all
+1h the webhook of question comes again 5 times
expect one reply in all
