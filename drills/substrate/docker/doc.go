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
// A project of compose that runs already is adopted: a second holder joins its
// network, and stands there for the witness. Its replicas dial what they always
// did. Rules in each one's own namespace lead that to its links, and what was open
// before is hung up:
//
//	replica ──▶ db:5432 ──(detour)──▶ holder's address │ harness ──▶ db, from the holder's place
//
// The rules are made anew whenever a container is started or attached, for it has
// another namespace then, or another address.
//
// A direct link has no proxy: the replica dials the store by its name. Its
// packets can be dropped, by a rule in the replica's own namespace.
//
// # Invariants
//
//   - Everything made carries the labels of its run, sealed with a key of the user.
//     Close removes containers, with their volumes, and the network.
//   - Healing removes what is provably a dead harness's: the seal is this user's, and
//     the lock is free or, where the lock file is not to be seen, the process that made
//     it has ended. What runs and cannot be judged stays, and is told.
//   - Every process and link has the same address for life. Published ports are
//     on a loopback address that nobody else uses; see package loopback.
//   - A program is packed into an image named by its contents: what is drilled
//     is what was built, not what an image was once made of.
//   - What has been adopted is nobody's to remove. Before anything is changed, a
//     label of the second holder says how it was; Close and [Heal] put it back by
//     that label, and the holder goes last. The engine gives the holder's name once,
//     so that nobody else drills the project.
//   - The engine starts nothing by itself that has been adopted: a drill would not
//     know what runs.
//   - Data survive the end of a container: they lie in a volume, which goes with
//     the container.
//
// # Failure cases
//
//   - The harness is killed: its containers go on. With the reaper of
//     testcontainers, where its image is present, they end with the connection;
//     else the next run here, or [Heal], removes them: the lock on their lock file
//     is free. The reaper does not know the holder of a project, which [Heal] needs.
//   - A replica that is started opens connections before its rules are in place:
//     they are hung up, and made again through its links.
//   - A container ends before it is ready: the error carries its last words.
//   - An engine takes connections and does not answer: it is given up after some
//     seconds.
//   - Somebody else removes a container: its end is told like any other.
//   - An image is missing: Open says which, and what brings it.
//   - A container's address may change when it is taken off its network and put
//     back. Nothing relies on it: links lead to published ports, direct ones to
//     names.
package docker
