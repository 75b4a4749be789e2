Story: Two people below one post
Why: A thread belongs to nobody; what Tom asks below Gwen's complaint is his own matter.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers
  Tom has 20 followers

Gwen posts on facebook "my bill is wrong for the third time, I am furious" as complaint
+2m Tom posts on facebook "my refund never came, this is a disgrace" as other
expect complaint is escalated
expect other is escalated
expect complaint and other in two conversations
expect nothing is said at all
