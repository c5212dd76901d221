package deepmoe

// #include <deepmoe_runtime.h>
import "C"

// Version is "major.minor.patch" of the library.
func Version() string { return C.GoString(C.dmoe_version()) }

// ABIVersion is the version of the library's interface, and the one that this package was made for.
func ABIVersion() (library, packaged int) { return int(C.dmoe_abi_version()), C.DMOE_ABI_VERSION }

// Kind is a kind of object.
type Kind int32

// The kinds.
const (
	KindAll     Kind = C.DMOE_KIND_ALL
	KindError   Kind = C.DMOE_KIND_ERROR
	KindString  Kind = C.DMOE_KIND_STRING
	KindOptions Kind = C.DMOE_KIND_OPTIONS
	KindTensors Kind = C.DMOE_KIND_TENSORS
	KindDataset Kind = C.DMOE_KIND_DATASET
	KindModel   Kind = C.DMOE_KIND_MODEL
	KindTrainer Kind = C.DMOE_KIND_TRAINER
	KindEngine  Kind = C.DMOE_KIND_ENGINE
	KindLoader  Kind = C.DMOE_KIND_LOADER
	KindPlugin  Kind = C.DMOE_KIND_PLUGIN
)

// LiveObjects is how many objects of a kind exist in this process; -1 for an unknown kind.
func LiveObjects(kind Kind) int { return int(C.dmoe_live_objects(C.int32_t(kind))) }
