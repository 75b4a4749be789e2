Story: Praise at a shop
Why: The author is thanked, once, and the shop's people hear of it.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Iris has 210 followers

Iris posts on instagram "The team at Veloria Shop Larios was so friendly and quick, thank you!" as praise
expect praise is answered by rule praise-for-a-shop
expect a reply to praise with "shop"
expect the reasons of praise hold "shop"
expect the task of praise is none
