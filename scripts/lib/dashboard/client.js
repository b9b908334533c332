// The page's own program: puts each part in its place as it comes.
const events = new EventSource('events')
const ended = document.getElementById('ended')

events.onmessage = ({ data }) => {
  ended.hidden = true
  document.body.classList.remove('stale')
  const { title, ...parts } = JSON.parse(data)
  if (title) document.title = title
  for (const [id, html] of Object.entries(parts)) document.getElementById(id).innerHTML = html
}

// The browser tries again by itself.
events.onerror = () => {
  ended.hidden = false
  document.body.classList.add('stale')
}
