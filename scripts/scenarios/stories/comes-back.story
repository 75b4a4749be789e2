Story: The customer comes back
Why: Resolved is not forgotten: who writes again on the same matter gets it opened again, not begun anew.
Starts: 2026-11-24 10:00 Europe/Madrid
People:
  Gwen has 140 followers

Gwen posts on facebook "my bill is wrong for the third time, I am furious" as complaint
+5m ana takes the task of complaint
+5m ana finishes the task of complaint
expect the conversation of complaint is resolved
+30m Gwen replies to complaint "and it is still wrong, I am furious" as again
expect complaint and again in one conversation
expect the conversation of again is open
expect again in queue care-billing
