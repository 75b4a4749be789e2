Story: The customer deletes the post in the middle of the call
Why: The call goes on, but what was taken back is not read to anybody any more.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Bill is customer C-1001

Bill posts on x "I am furious, my bill is wrong for the third time" as complaint
+5m Bill calls and ana talks with them for 10m
expect lookup says "third time"
+2m Bill deletes complaint
expect the timeline of Bill lacks "third time"
expect the timeline of Bill holds "(deleted)"
+20m expect the timeline of Bill holds "call"
Bill calls and ana talks with them for 2m
expect lookup does not say "third time"
+5m expect nothing is said at all
