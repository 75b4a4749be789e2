Story: Once per conversation
Why: The same words twice in one conversation sound like a machine; the second time a person comes.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

rule opening-hours answers once per conversation
Gwen posts on facebook "what are your opening hours?" as one
expect one is answered by rule opening-hours
+5m Gwen replies to one "and the opening hours on Saturday?" as two
expect two is escalated
expect one and two in one conversation
expect no reply to two
expect one reply in all
