Story: The kill switch for everything, while answers wait
Why: It stops what was decided before it was thrown, too: nothing leaves by the one door.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers
  Tom has 20 followers

rule opening-hours waits 10m
Gwen posts on x "what are your opening hours?" as waiting
expect waiting is undecided
+1m the kill switch is thrown everywhere because "We look into something."
Tom posts on mastodon "how do I set up my new VeloBox?" as during
+15m expect waiting is escalated
expect during is escalated
expect nothing is said at all
