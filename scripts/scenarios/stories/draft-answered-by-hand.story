Story: A colleague answers in the app, and the draft stands down
Why: Two answers to one post are worse than none; who was first with the platform's own app has it.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Pia has 80 followers

Pia posts on x "five weeks and still no refund, I am disappointed" as late
expect the draft of late is pending
+6m ben answers late by hand "Hi Pia, I have just sent it. Ben"
expect the draft of late is withdrawn
expect nothing is said at all
