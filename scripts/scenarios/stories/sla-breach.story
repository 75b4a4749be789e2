Story: Nobody answers in time
Why: A broken promise moves on by itself: first a warning, then the next queue has it, and the customer still has one task.
Starts: 2026-11-24 09:00 Europe/Madrid
People:
  Gwen has 140 followers

Gwen posts on x "I am furious, my bill is wrong for the third time" as complaint
expect complaint in queue care-billing
expect complaint due at 13:00
13:10 expect complaint in queue care-general
expect the task of complaint is waiting
+5m jon takes the task of complaint
+10m jon finishes the task of complaint
expect the conversation of complaint is resolved
