Story: While an answer waits, an agent takes the matter
Why: A delayed answer looks at everything again; an agent's hand on it is a reason to keep quiet.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

rule opening-hours waits 10m
Gwen posts on facebook "I am fed up, my bill is wrong for the third time and nobody answers" as complaint
expect complaint is escalated
+1m ana takes the task of complaint
+1m Gwen replies to complaint "and what are your opening hours?" as question
expect nothing lost and nothing said twice
+15m expect question is escalated
expect complaint and question in one conversation
expect no reply to question
