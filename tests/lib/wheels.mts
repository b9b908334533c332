/** Wheels made for a test, so that no package index is asked. */
import { docker } from './deployment.mts'

/** NAME VERSION REQUIREMENT… as arguments: writes the wheel of a module that holds nothing but its version. */
const MAKE = `
import sys, zipfile
name, version, *requires = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"/wheels/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}.py", f"__version__ = '{version}'\\n")
    wheel.writestr(f"{info}/METADATA", "\\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires), ""]))
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`

/**
 * @param image one that has Python
 * @param wheels name, version, and what it requires
 */
export async function makeWheels(image: string, folder: string, ...wheels: string[][]): Promise<void> {
  for (const wheel of wheels)
    await docker`docker run --rm -v ${folder}:/wheels ${image} python -c ${MAKE} ${wheel}`
}
