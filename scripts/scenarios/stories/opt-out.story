Story: Opted out between the decision and the answer
Why: No means no at once, for an answer that is already on its way too.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

rule opening-hours waits 10m
Gwen writes on messenger "what are your opening hours?" as question
expect question is undecided
+2m Gwen writes on messenger "STOP" as no
expect no is recorded
+15m expect question is escalated
expect nothing is said at all
