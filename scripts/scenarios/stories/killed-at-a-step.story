Story: Functions die in the middle
Why: A process may end at any step; the post is answered all the same, and once.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers
  Tom has 20 followers

function send dies 2 times
Gwen posts on x "what are your opening hours?" as question
+5m expect question is answered by rule opening-hours
expect one reply in all

function match dies 2 times
function reply dies 1 times
function escalate dies 2 times
Tom posts on x "I am furious, my bill is wrong for the third time" as complaint
+5m expect complaint in queue care-billing
expect the task of complaint is waiting
