Story: The author changes the post, and the draft is withdrawn
Why: An apology for what is mended already would be worse than silence; a draft answers the words that it was written for.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Pia has 80 followers
  Tom has 20 followers

Pia posts on x "five weeks and still no refund, I am disappointed" as pushed
Tom posts on mastodon "five weeks and still no refund, I am disappointed" as polled
+2m expect the draft of pushed is pending
expect the draft of polled is pending
+5m Pia edits pushed to "five weeks and still no refund, but it came just now, thanks"
Tom edits polled to "five weeks and still no refund, but it came just now, thanks"
+2m expect the draft of pushed is withdrawn
expect the draft of polled is withdrawn
expect the timeline of Tom holds "it came just now"
expect nothing is said at all
