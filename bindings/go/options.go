package deepmoe

// #include <deepmoe_runtime.h>
import "C"

import (
	"encoding/json"
	"fmt"
)

// Options are values for the options of the library (docs/options.md). A value's precedence depends on where it came
// from, not on the order of calls: default, recipe, file, environment, Set.
type Options struct{ *object[*C.dmoe_options] }

func madeOptions(call func(**C.dmoe_options, **C.dmoe_error) C.int32_t) (*Options, error) {
	var pointer *C.dmoe_options
	if err := check(func(e **C.dmoe_error) C.int32_t { return call(&pointer, e) }); err != nil {
		return nil, err
	}
	return &Options{own(pointer, func(p *C.dmoe_options) { C.dmoe_options_release(p) })}, nil
}

func (o *Options) orNil() *object[*C.dmoe_options] {
	if o == nil {
		return nil
	}
	return o.object
}

// NewOptions sets all values, which may be nil.
func NewOptions(values Values) (*Options, error) {
	options, err := madeOptions(func(o **C.dmoe_options, e **C.dmoe_error) C.int32_t { return C.dmoe_options_create(o, e) })
	if err != nil || values == nil {
		return options, err
	}
	err = options.use(func(p *C.dmoe_options) error {
		return withValues(values, func(json *C.char) error {
			return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_options_set_json(p, json, e) })
		})
	})
	if err != nil {
		options.Close()
		return nil, err
	}
	return options, nil
}

// Copy can be changed on its own.
func (o *Options) Copy() (copied *Options, err error) {
	err = o.use(func(p *C.dmoe_options) (err error) {
		copied, err = madeOptions(func(c **C.dmoe_options, e **C.dmoe_error) C.int32_t { return C.dmoe_options_copy(p, c, e) })
		return err
	})
	return copied, err
}

// Set sets one option from a value that is printed: 0.1, true, "10,20".
func (o *Options) Set(name string, value any) error {
	return o.use(func(p *C.dmoe_options) error {
		return withText(name, func(name *C.char) error {
			return withText(fmt.Sprint(value), func(value *C.char) error {
				return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_options_set(p, name, value, e) })
			})
		})
	})
}

// SetJSON sets every member of a JSON object, or none when one is refused.
func (o *Options) SetJSON(json string) error {
	return o.use(func(p *C.dmoe_options) error {
		return withText(json, func(json *C.char) error {
			return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_options_set_json(p, json, e) })
		})
	})
}

// LoadFile reads a configuration file, such as a run's config.json, with the precedence of a file.
func (o *Options) LoadFile(path string) error {
	return o.use(func(p *C.dmoe_options) error {
		return withText(path, func(path *C.char) error {
			return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_options_load_file(p, path, e) })
		})
	})
}

// ReadEnvironment reads DEEPMOE_<NAME> for every option.
func (o *Options) ReadEnvironment() error {
	return o.use(func(p *C.dmoe_options) error {
		return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_options_read_environment(p, e) })
	})
}

// Get is the value as the text that Set would take.
func (o *Options) Get(name string) (value string, err error) {
	err = o.use(func(p *C.dmoe_options) error {
		return withText(name, func(name *C.char) (err error) {
			value, err = text(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.dmoe_options_get(p, name, s, e) })
			return err
		})
	})
	return value, err
}

func (o *Options) json(call func(*C.dmoe_options, **C.dmoe_string, **C.dmoe_error) C.int32_t) (result json.RawMessage, err error) {
	err = o.use(func(p *C.dmoe_options) (err error) {
		result, err = jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return call(p, s, e) })
		return err
	})
	return result, err
}

// JSON is every option with its resolved value.
func (o *Options) JSON() (json.RawMessage, error) {
	return o.json(func(p *C.dmoe_options, s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
		return C.dmoe_options_to_json(p, s, e)
	})
}

// Architecture is the network that the options describe, as data. An unset image_size counts as 224, an unset
// num_classes as 1000.
func (o *Options) Architecture() (json.RawMessage, error) {
	return o.json(func(p *C.dmoe_options, s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
		return C.dmoe_architecture_json(p, s, e)
	})
}

// DescribeArchitecture is the same with shapes, parameters and multiply-accumulates of each node and in all.
func (o *Options) DescribeArchitecture() (json.RawMessage, error) {
	return o.json(func(p *C.dmoe_options, s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
		return C.dmoe_architecture_describe(p, s, e)
	})
}

// ArchitectureText is the same as a table for people.
func (o *Options) ArchitectureText() (string, error) {
	table, err := o.json(func(p *C.dmoe_options, s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
		return C.dmoe_architecture_text(p, s, e)
	})
	return string(table), err
}

// OptionsSchema is the table of options itself: names, types, defaults, ranges, choices, help.
func OptionsSchema() (json.RawMessage, error) {
	return jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.dmoe_options_schema(s, e) })
}

// ArchitectureNames are the names that option model takes.
func ArchitectureNames() (names []string, err error) {
	list, err := jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.dmoe_architecture_names(s, e) })
	if err == nil {
		err = json.Unmarshal(list, &names)
	}
	return names, err
}
