// Package docker is the substrate of containers: replicas, Postgres and Redis
// each in a container of its own on a private network, joined by proxies of the
// harness. It needs Linux, an engine on the same machine (API 1.41 will do) and
// root, because the harness enters the containers' network namespaces.
//
//	Provider, one for each run of the harness
//	├── lock file             locked by the living harness; its path is a label of everything
//	├── images                of the stores, official or built here; of each program, packed
//	└── Substrate, one for each drill, with a loopback address of its own
//	    ├── network           private, a bridge that nothing else is on
//	    ├── holder            a container that does nothing but have a network namespace
//	    ├── stores, replicas  containers; their ports are published on the loopback address
//	    └── links             proxies of the harness that listen in the holder's namespace
//
// # How a link comes about
//
//	replica ──network──▶ holder's address │ harness ──loopback──▶ published port ──▶ store
//	                     (a socket there) │ (the process that owns the socket)
//
// A socket belongs to the network namespace in which it was made, whoever owns
// it. The harness makes the listeners of its links in the holder's, so that
// replicas reach them over their network like any other host, and nothing of the
// harness listens on an address that others could reach. What a link leads to,
// the witness included, the harness dials on its own loopback device.
//
// A direct link has no proxy: the replica dials the store by its name. Its
// packets can be dropped, by a rule in the replica's own namespace.
//
// # Invariants
//
//   - Everything made carries the labels of its run. Close removes containers,
//     with their volumes, and the network.
//   - Every process and link has the same address for life. Published ports are
//     on a loopback address that nobody else uses; see package loopback.
//   - A program is packed into an image named by its contents: what is drilled
//     is what was built, not what an image was once made of.
//   - Data survive the end of a container: they lie in a volume, which goes with
//     the container.
//
// # Failure cases
//
//   - The harness is killed: its containers go on. With the reaper of
//     testcontainers, where its image is present, they end with the connection;
//     else the next run, or [Heal], removes them: the lock on their lock file is
//     free.
//   - A container ends before it is ready: the error carries its last words.
//   - An image is missing: Open says which, and what brings it.
//   - A container's address may change when it is taken off its network and put
//     back. Nothing relies on it: links lead to published ports, direct ones to
//     names.
package docker
