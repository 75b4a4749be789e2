Story: A rule is switched off
Why: One rule that says something wrong is silenced alone; its posts go to people, the others are answered.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers
  Tom has 20 followers

rule opening-hours is switched off
Gwen posts on x "what are your opening hours?" as hours
expect hours is escalated
expect no reply to hours
+1m Tom posts on x "how do I set up my new VeloBox?" as router
expect router is answered by rule router-setup
