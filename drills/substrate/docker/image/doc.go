// Package image makes container images out of what is installed on this
// machine, for engines that have no registry to take them from.
//
// An image is one layer from scratch: programs, the libraries that the dynamic
// loader says they need, all at the paths they have here, and a little text of
// our own. It is handed to the engine ready-made, as an archive to load, not as
// a Dockerfile: a builder starts and commits a container for each line, which
// takes ten times as long.
//
// [Pack] makes an image of one program, [BuildPostgres] and [BuildRedis] make
// stand-ins for the official images. They understand the same environment, the
// same commands and the same volumes, so that whoever starts a container need
// not know which of the two it is. Not understood: the scripts in
// /docker-entrypoint-initdb.d, other locales than C, POSTGRES_INITDB_WALDIR.
//
// Invariants:
//   - The same files make the same image, identifier included: times in it are
//     those of its files. Building twice, even at once, leaves one image.
//   - No symlink is followed silently: the image has the link and what it leads to.
//   - Images carry [RepositoryLabel] with their repository as value. Nothing without it is removed.
//   - What is in use is never removed, nor what was asked for in the last
//     minutes: somebody may be about to start it.
//
// Failure cases:
//   - A program that this machine lacks is a [drills.EnvironmentError] with the
//     command that installs it.
//   - A file that changes while it is packed fails the build, because the engine
//     compares digests.
//   - A library that a program opens by itself, without naming it to the loader,
//     is missing in its image. For Postgres they are added by name.
//   - A program that looks for its libraries beside itself ($ORIGIN) finds them
//     only where it lies here, and [Pack] moves it.
//   - A Postgres that is killed during its very first start leaves half a cluster
//     in its volume and does not start again, as with the official image.
package image
