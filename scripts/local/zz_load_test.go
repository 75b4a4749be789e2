package local
import ("testing";"os";"path/filepath")
func TestLoadGolden(t *testing.T){
 data,err:=os.ReadFile("../../infra/testdata/local.json"); if err!=nil{t.Fatal(err)}
 dir:=t.TempDir()
 for _,n:=range []string{"webhook","poller","triage","match","reply","escalate","send","invite","contact","lookup","ledger"}{ os.MkdirAll(filepath.Join(dir,n),0o755); os.WriteFile(filepath.Join(dir,n,"bootstrap"),[]byte("#!/bin/sh\n"),0o755)}
 s,err:=Start(t.Context(),Options{Template:data,Binaries:dir,Addr:"127.0.0.1:0",Log:os.Stderr})
 if err!=nil{t.Fatal(err)}
 defer s.Close()
 for _,r:=range s.Resources(){ if r.Ignored==""{ t.Log(r) } }
}
