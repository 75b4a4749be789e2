Story: The author deletes the post, and the draft goes with it
Why: Who takes a post back gets no answer to it, and what was to be said is forgotten.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Pia has 80 followers

Pia posts on x "five weeks and still no refund, I am disappointed" as late
expect the draft of late is pending
+5m Pia deletes late
expect the draft of late is withdrawn
expect the draft of late says nothing
expect the timeline of Pia lacks "five weeks"
expect the timeline of Pia holds "(deleted)"
expect nothing is said at all
