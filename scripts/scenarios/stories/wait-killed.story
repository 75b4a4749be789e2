Story: The workflow that waits is killed
Why: A delayed answer must not be lost with the workflow that holds it; the ledger finds the post.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

rule opening-hours waits 10m
Gwen posts on x "what are your opening hours?" as question
expect question is undecided
+1m the workflow later of question is killed
+15m expect no reply to question
+20m expect question is answered by rule opening-hours
expect one reply in all
