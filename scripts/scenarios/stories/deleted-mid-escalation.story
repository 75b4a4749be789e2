Story: The post is deleted while the agent works on it
Why: What its author takes back is gone here within the run; that there was one stays, and so does the agent's matter.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

Gwen posts on facebook "my bill is wrong for the third time, I am furious" as complaint
expect the timeline of Gwen holds "third time"
+5m ana takes the task of complaint
+1m Gwen deletes complaint
expect the timeline of Gwen lacks "third time"
expect the timeline of Gwen holds "(deleted)"
+5m ana finishes the task of complaint
expect the conversation of complaint is resolved
