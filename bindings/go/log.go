package deepmoe

/*
#include <deepmoe_runtime.h>

extern int32_t deepmoeGoLog(int32_t, char*, void*);
static int32_t set_log(void* user_data, dmoe_error** error) {
  return dmoe_set_log_callback(user_data == NULL ? NULL : (dmoe_log_callback)deepmoeGoLog, user_data, error);
}
*/
import "C"

import "sync"

// LogLevel says how much a log message matters.
type LogLevel int32

// The levels.
const (
	LogError   LogLevel = C.DMOE_LOG_ERROR
	LogWarning LogLevel = C.DMOE_LOG_WARNING
	LogInfo    LogLevel = C.DMOE_LOG_INFO
	LogDebug   LogLevel = C.DMOE_LOG_DEBUG
)

var (
	logLock    sync.Mutex
	logCurrent place
)

// SetLog replaces the receiver of the process's log messages; nil restores the default, which prints warnings and
// errors. Once it has returned, the former receiver is not called any more. A receiver must not call the library; its
// panics are dropped.
func SetLog(receive func(level LogLevel, message string)) error {
	logLock.Lock()
	defer logLock.Unlock()
	var unused place
	if receive != nil {
		unused = placed(receive)
	}
	err := check(func(e **C.dmoe_error) C.int32_t { return C.set_log(unused.memory, e) })
	if err == nil {
		unused, logCurrent = logCurrent, unused
	}
	unused.free()
	return err
}
