Story: A storm of reports
Why: When everybody writes at once, each hears once that we know, and no agent drowns in tasks.
Starts: 2026-11-24 10:00 Europe/Madrid
People:
  Tom has 20 followers
  Lea has 12 followers
  Gwen has 30 followers

8 posts within 10m are a storm
Tom posts on x "no internet in Alderbrook, is there an outage?" as early
expect early is answered by rule outage
12 strangers post on x "no internet in Alderbrook, is there an outage?" as report
+30s expect report.1 is answered
expect report.12 is answered
# By now it is a storm, and who writes next hears that.
10:05 Gwen posts on x "no internet in Alderbrook, the VeloBox blinks red" as late
expect late is answered by rule outage-storm
expect a reply to late with "Help > Network"
expect the task of late is none
expect 14 replies in all
expect nothing lost and nothing said twice

# An hour later it is over.
11:10 Lea posts on x "no internet in Alderbrook, is there an outage?" as after
expect after is answered by rule outage
