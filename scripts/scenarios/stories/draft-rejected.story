Story: A draft is rejected
Why: The agent knows better; the words do not go out, and the agent still has the matter.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Pia has 80 followers

Pia posts on x "five weeks and still no refund, I am disappointed" as late
+3m ana rejects the draft of late because "It went out yesterday; I call her."
expect the draft of late is rejected
expect late in queue care-billing
expect nothing is said at all
