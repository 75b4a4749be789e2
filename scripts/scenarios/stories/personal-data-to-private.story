Story: Personal data in public moves to private
Why: The author is asked to take the post down, in private where Facebook can, and nothing of it is repeated.
Starts: 2026-11-24 13:00 Europe/Madrid
People:
  Hedda has 33 followers

Hedda posts on facebook "where is my order VL-20481137? call me at +1 202 555 0147" as exposed
expect exposed is answered by rule personal-data-in-public
expect a private reply to exposed with "personal details"
expect no reply to exposed says "VL-20481137"
expect no reply to exposed says "555"
expect one reply in all
