Story: The angry influencer goes to PR
Why: Many read what she writes; the people who answer must be the right ones, and no machine may try.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Juno has 5000000 followers

Juno posts on x "worst support ever, @VeloriaCare. Four days without internet and nobody calls back" as complaint
expect complaint is escalated by rule influential-complaint
expect complaint in queue social-pr
expect complaint due at 16:00
expect no reply to complaint
expect the reasons of complaint hold "influential-complaint"
expect the conversation of complaint is open

+4m ana takes the task of complaint
expect the task of complaint is taken
+9m ana answers complaint by hand "Juno, I am looking at your line right now and call you within the hour. Ana"
+1m ana finishes the task of complaint
expect the conversation of complaint is resolved
expect the task of complaint is closed
expect nothing is said at all
