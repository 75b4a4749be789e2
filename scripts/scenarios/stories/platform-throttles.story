Story: X throttles us for ten minutes
Why: A platform that says no for a while must not cost anybody their answer, nor earn anybody two.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

x throttles from now on
Gwen posts on x "what are your opening hours?" as question
+10m expect no reply to question
x works again
+40m expect one reply in all
expect question is answered by rule opening-hours
