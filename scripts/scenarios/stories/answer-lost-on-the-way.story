Story: The platform's answer is lost on the way
Why: The reply may stand there already; we read back before we try again, so nobody is answered twice.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

mastodon loses-answers from now on
Gwen posts on mastodon "what are your opening hours?" as question
+3m mastodon works again
+20m expect question is answered by rule opening-hours
expect one reply in all
