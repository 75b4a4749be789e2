Story: The kill switch
Why: When something goes wrong, one edit stops every machine on a platform; people go on answering.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers
  Tom has 20 followers

Gwen posts on x "what are your opening hours?" as before
expect before is answered by rule opening-hours
the kill switch is thrown on x because "We speak for ourselves today."
+1m Tom posts on x "what are your opening hours?" as during
expect during is escalated
expect no reply to during
expect the reasons of during hold "We speak for ourselves today"
Tom posts on mastodon "what are your opening hours?" as elsewhere
+2m expect elsewhere is answered by rule opening-hours
the kill switch is taken back
+1m Gwen posts on x "how do I set up my new VeloBox?" as after
expect after is answered by rule router-setup
