import { useState } from 'react'
import { AutoIcon, MoonIcon, SunIcon } from './icons'
import { t } from '../language/text'

type Theme = 'system' | 'light' | 'dark'

const next: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
const names: Record<Theme, string> = { system: t('system'), light: t('light'), dark: t('dark') }
const icons = { system: AutoIcon, light: SunIcon, dark: MoonIcon }

function current(): Theme {
  const theme = document.documentElement.dataset.theme
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

function choose(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  try {
    localStorage.setItem('theme', theme)
  } catch {
    // Storage is forbidden: the choice lasts until the page is loaded again.
  }
}

export function ThemeButton() {
  const [theme, setTheme] = useState(current)
  const Icon = icons[theme]
  const change = () => {
    choose(next[theme])
    setTheme(next[theme])
  }
  return (
    <button type="button" className="icon" aria-label={t('Theme: {theme}. Switch to {next}', { theme: names[theme], next: names[next[theme]] })} title={t('Theme: {theme}', { theme: names[theme] })} onClick={change}>
      <Icon />
    </button>
  )
}
