Story: Nobody approves the draft in time
Why: Words that waited too long are stale; the matter stays with the agents.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Pia has 80 followers

Pia posts on x "five weeks and still no refund, I am disappointed" as late
expect the draft of late is pending
+2h10m expect the draft of late is expired
expect late is escalated
expect the task of late is waiting
expect nothing is said at all
