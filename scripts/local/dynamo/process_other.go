//go:build !linux

package dynamo

import "os/exec"

// endWithUs does nothing: only Linux can tie a process to its parent's life.
func endWithUs(*exec.Cmd) {}

// start runs the engine and closes exited when it is gone.
func start(cmd *exec.Cmd, exited chan<- struct{}) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait() // however it ended, it is gone
		close(exited)
	}()
	return nil
}
