Story: The clocks change in the middle of a service level
Why: An hour is an hour; when the clocks go from two to three, what is due in an hour is due at half past three.
Starts: 2026-03-29 01:30 Europe/Madrid
People:
  Gwen has 140 followers

Gwen posts on x "if the refund is not here on Friday my lawyer will write to you" as threat
expect threat in queue social-pr
expect threat due at 03:30
# That is one hour later. Nobody comes, and the next queue takes over.
03:29 expect threat in queue social-pr
03:32 expect threat in queue care-priority
expect the task of threat is waiting
expect nothing is said at all
