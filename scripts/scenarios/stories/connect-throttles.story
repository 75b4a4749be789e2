Story: Amazon Connect throttles for ten minutes
Why: Nobody who needs a person may fall between the desks while Connect catches its breath.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

connect throttles from now on
Gwen posts on x "I am furious, my bill is wrong for the third time" as complaint
expect complaint is escalated
+10m expect the task of complaint is none
connect works again
+2m expect complaint in queue care-billing
expect complaint due at 16:00
expect nothing is said at all
