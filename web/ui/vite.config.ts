import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const product = process.env.EVENTIM_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react()],
  // public/.gitkeep is copied to dist, which Go embeds and which must exist in a fresh checkout.
  build: {
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0, // the content security policy allows no data: URLs
    modulePreload: { polyfill: false },
  },
  test: { include: ['src/**/*.test.ts'] },
  server: { proxy: { '/api': { target: product, ws: true, changeOrigin: true } } },
})
