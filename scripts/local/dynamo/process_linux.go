package dynamo

import (
	"os/exec"
	"runtime"
	"syscall"
)

// endWithUs makes the kernel end the engine when this process dies without
// having stopped it (a test's time-out, SIGKILL).
func endWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}

// start runs the engine and closes exited when it is gone. The death signal goes
// out when the thread that started it ends, so that thread must stay.
func start(cmd *exec.Cmd, exited chan<- struct{}) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // however it ended, it is gone
			close(exited)
		}
	}()
	return <-started
}
