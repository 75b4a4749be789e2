Story: A call is praised for yesterday's kind words
Why: Who was kind to us in public is thanked in person, in their own language.
Starts: 2026-11-24 11:00 Europe/Madrid
People:
  Carmela is customer C-1003

Carmela posts on mastodon "Mil gracias por la ayuda de ayer, la fibra va genial y el técnico fue encantador" as praise
+2m expect praise is answered by rule thanks
+40m Carmela calls and ana talks with them for 4m
expect lookup says "Hola"
expect lookup says "gracias"
+6m expect the timeline of Carmela holds "call"
