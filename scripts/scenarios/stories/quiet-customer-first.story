Story: The quiet customer who spends millions comes first
Why: 75 followers and two million a year must not wait behind somebody who is merely loud.
Starts: 2026-11-24 11:00 Europe/Madrid
People:
  Ada is customer C-1002
  Lena has 900 followers

Lena posts on x "you promised a refund three weeks ago, I am furious, third time this happens" as loud
+1m Ada posts on x "our head office has had slow internet since Monday and your bill is wrong again. Who is in charge?" as quiet
expect quiet is escalated by rule valued-customer
expect quiet in queue care-priority
expect quiet before loud
expect no reply to quiet
expect the timeline of Ada holds "head office"
expect nothing lost and nothing said twice
