package main
import ("testing";"path/filepath";"strings")
func TestZZ(t *testing.T){
	startTestWorld(t)
	for _,p:=range []string{"x","facebook","instagram","messenger"}{
		files,_:=filepath.Glob("scripts/fielder/testdata/ingest/"+p+"/*.json")
		for _,f:=range files {
			for _,l:=range ingestFiles(t,p,f){
				var rs []string
				for _,r:=range l.Reasons{ if !strings.Contains(r,"passed over")&&!strings.HasPrefix(r,"language")&&!strings.HasPrefix(r,"priority"){rs=append(rs,r)}}
				t.Logf("%s/%s: %s %s %s | %.500s",p,filepath.Base(f),l.ID,l.Event,l.Outcome,strings.Join(rs," / "))
			}
		}
	}
}
