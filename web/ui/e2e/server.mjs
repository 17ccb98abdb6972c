// The product as a user starts it: cmd/dev, built from this checkout, on a free port with a data directory of its own.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const root = new URL('../../../', import.meta.url).pathname
const startLimit = 90_000

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

export class Server {
  #folder
  #process
  #log = []

  /** What else to start it with. */
  #extra

  static async create(...extra) {
    const server = new Server()
    server.#extra = extra
    server.#folder = await mkdtemp(join(tmpdir(), 'eventim-e2e-'))
    try {
      await promisify(execFile)('go', ['build', '-o', join(server.#folder, 'dev'), './cmd/dev'], { cwd: root })
    } catch (error) {
      await server.remove()
      throw error
    }
    server.port = await freePort()
    server.url = `http://127.0.0.1:${server.port}`
    return server
  }

  /** Starts it, on the same port and data every time, and waits until it says that it listens. */
  async start() {
    const dev = join(this.#folder, 'dev')
    const arguments_ = ['--port', String(this.port), '--data', join(this.#folder, 'data'), ...this.#extra]
    this.#process = spawn(dev, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#keep(this.#process.stderr)
    await this.#line(this.#process.stdout, `listening on ${this.url}`)
  }

  #keep(stream) {
    createInterface(stream).on('line', (line) => this.#log.push(line))
  }

  #line(stream, wanted) {
    return new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`cmd/dev ${why}:\n${this.#log.slice(-30).join('\n')}`))
      const timer = setTimeout(() => fail('does not listen'), startLimit)
      this.#process.once('exit', (code) => fail(`ended with ${code}`))
      createInterface(stream).on('line', (line) => {
        this.#log.push(line)
        if (!line.startsWith(wanted)) return
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Ends it like a power cut. */
  async kill() {
    await this.#end('SIGKILL')
  }

  async remove() {
    await this.#end('SIGTERM')
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #end(signal) {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.kill(signal)
    await ended
  }
}
