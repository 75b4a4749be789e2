Story: A call about what was said on social
Why: Who wrote this morning and calls now is greeted as the same person, if we surely know them.
Starts: 2026-11-24 09:00 Europe/Madrid
People:
  Bill is customer C-1001
  Otto has 5 followers

Bill posts on x "I cannot connect to the internet since breakfast, the VeloBox is red. Help?" as report
+55m Bill calls and ana talks with them for 5m
expect lookup says "Hi Bill"
expect lookup says "internet"
+10m expect the timeline of Bill holds "call"
# A stranger hears nothing about anybody.
Otto calls and jon talks with them for 2m
expect lookup says "We do not know this number"
expect lookup does not say "Bill"
+5m expect nothing lost and nothing said twice
