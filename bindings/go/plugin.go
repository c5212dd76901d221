package deepmoe

// #include <deepmoe_runtime.h>
import "C"

import "encoding/json"

// Plugin is a shared library that adds data sets, observers, backbones and gate metrics. Options dataset and model take its
// own as PLUGIN:NAME. It stays loaded until the process ends.
type Plugin struct{ *object[*C.dmoe_plugin] }

// LoadPlugin loads a file, whose code then runs in this process. Option plugin does the same, and besides has observers and
// gate metrics take part.
func LoadPlugin(path string) (plugin *Plugin, err error) {
	err = withText(path, func(path *C.char) error {
		var pointer *C.dmoe_plugin
		err := check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_plugin_load(path, &pointer, e) })
		if err == nil {
			plugin = &Plugin{own(pointer, func(p *C.dmoe_plugin) { C.dmoe_plugin_release(p) })}
		}
		return err
	})
	return plugin, err
}

// Describe is what it offers, and the versions of plugin and library.
func (p *Plugin) Describe() (description json.RawMessage, err error) {
	err = p.use(func(p *C.dmoe_plugin) (err error) {
		description, err = jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.dmoe_plugin_describe(p, s, e) })
		return err
	})
	return description, err
}
