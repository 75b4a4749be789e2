Story: The budget of X is used up
Why: Answers on X cost money; when the day's is spent, people answer.
Starts: 2026-11-24 23:40 Europe/Madrid
People:
  Gwen has 140 followers
  Tom has 20 followers
  Lea has 15 followers

# An answer costs a cent.
automated answers on x may cost 0.02 dollars a day
Gwen posts on x "what are your opening hours?" as first
+1m Tom posts on x "what are your opening hours?" as second
expect a reply to first with "8:00"
expect a reply to second with "8:00"
+1m Lea posts on x "what are your opening hours?" as third
expect third is escalated
expect no reply to third
expect the reasons of third hold "budget"
# After midnight there is money again.
tomorrow 00:05 Lea posts on x "what are your opening hours?" as fourth
expect fourth is answered by rule opening-hours
