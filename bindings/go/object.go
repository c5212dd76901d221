package deepmoe

import "runtime"

// object owns one object of the library, by its pointer.
type object[P comparable] struct {
	pointer P
	release func(P)
}

func own[P comparable](pointer P, release func(P)) *object[P] {
	owned := &object[P]{pointer, release}
	runtime.SetFinalizer(owned, (*object[P]).Close)
	return owned
}

// Close releases the object now; once more does nothing. No call with it may be under way.
func (o *object[P]) Close() error {
	var null P
	if o.pointer != null {
		runtime.SetFinalizer(o, nil)
		o.release(o.pointer)
		o.pointer = null
	}
	return nil
}

// use makes a call with the pointer, during which the object is not collected.
func (o *object[P]) use(call func(P) error) error {
	var null P
	if o.pointer == null {
		return &Error{ErrState, "the object is closed"}
	}
	defer runtime.KeepAlive(o)
	return call(o.pointer)
}

// useIfAny is use for an argument that may be nil.
func useIfAny[P comparable](o *object[P], call func(P) error) error {
	if o == nil {
		var null P
		return call(null)
	}
	return o.use(call)
}
