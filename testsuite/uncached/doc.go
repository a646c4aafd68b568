// Package uncached runs processes on a worker that keeps no workflow between two workflow tasks, so that each task replays all before it.
package uncached
