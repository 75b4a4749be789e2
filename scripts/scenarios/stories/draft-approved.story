Story: A draft is approved as it stands
Why: Good words need no second pair of hands; an approved answer goes out once and the matter is done.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Pia has 80 followers

Pia posts on facebook "five weeks and still no refund, I am disappointed" as late
expect late is escalated by rule refund-overdue
+20m ana approves the draft of late
expect the draft of late is sent
expect a reply to late with "refund"
expect the conversation of late is resolved
nothing happens for 1h
expect one reply in all
