import { defineConfig } from 'vite'

// The snippet for other people's pages: one small script, embedded by
// internal/source/rum and committed like the app.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: '../internal/source/rum/snippet',
    emptyOutDir: true,
    target: 'es2020',
    lib: { entry: 'rum/rum.ts', formats: ['iife'], name: 'PitwallRUM', fileName: () => 'rum.js' },
  },
})
