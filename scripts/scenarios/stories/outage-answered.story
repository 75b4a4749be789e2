Story: An outage is answered
Why: Who merely reports an outage hears at once where the state of the network stands; nobody has to lift a hand.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers
  Rosa has 60 followers and writes Spanish

Gwen posts on x "no internet in Alderbrook since seven, the VeloBox blinks red" as report
expect report is answered by rule outage
expect a reply to report with "Veloria app"
# On X a link costs 13 times as much, so the answer has none.
expect no reply to report says "https://"
expect the task of report is none
expect the timeline of Gwen holds "blinks red"

Rosa posts on mastodon "¿hay una avería de Veloria Fiber en Alderbrook? no funciona nada" as spanish
+2m expect spanish is answered by rule outage
expect a reply to spanish with "https://status.veloria.example"
expect the reasons of spanish hold "outage"
expect 2 replies in all
