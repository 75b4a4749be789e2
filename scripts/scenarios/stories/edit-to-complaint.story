Story: Chatter becomes a complaint
Why: "Nice" needs nobody; "nice, but you charged me twice" does, though it is the same post.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers

Gwen posts on facebook "nice 🔥" as comment
expect comment is ignored
+30m Gwen edits comment to "nice 🔥 but you charged me twice this month and nobody helps, I am furious"
expect comment is escalated
expect the task of comment is waiting
expect nothing is said at all
