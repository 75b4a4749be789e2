Story: Two posts at once from one new author
Why: They are one person with one matter; two tasks for two agents would be the oldest mistake of every desk.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Nils has 12 followers

Nils posts on facebook "my bill is wrong for the third time and I want my money back, I am furious" and "hello?? is anybody there? I am furious" at once as one and two
expect one is escalated
expect two is escalated
expect one and two in one conversation
expect nothing is said at all
